"""Predict before you run: the learner guesses, the experiment tells."""

from rsp.lab.progress import OPEN, RIGHT, WRONG, note


def reveal(number: str, guess: object, answer: str, because: str) -> None:
    """Print how a guess went, and why; an empty guess is no error.

    `number` is the prediction's ("4.1"), `answer` the letter that is right.
    """
    made = str(guess).strip().lower() if guess not in (None, ...) else ""
    if len(made) > 1:
        how, words = OPEN, f"Guess with one letter, such as {answer}"
    elif not made:
        how, words = OPEN, f"You have not guessed; it is {answer}"
    elif made == answer.lower():
        how, words = RIGHT, f"Your guess was right: {answer}"
    else:
        how, words = WRONG, f"You guessed {made}; it is {answer}"
    note("guess", number, how)
    print(f"{words}. {because}")
