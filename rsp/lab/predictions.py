"""Predict before you run: the learner guesses, the experiment tells."""

from rsp.lab import progress


def reveal(number: str, guess: object, answer: str, because: str) -> None:
    """Print how a guess went, and why; an empty guess is no error.

    `number` is the prediction's ("4.1"), `answer` the letter that is right.
    """
    made = str(guess).strip().lower() if guess not in (None, ...) else ""
    if not made:
        how, words = progress.OPEN, f"You have not guessed; it is {answer}"
    elif made == answer.lower():
        how, words = progress.RIGHT, f"Your guess was right: {answer}"
    else:
        how, words = progress.WRONG, f"You guessed {made}; it is {answer}"
    progress.note("guess", number, how)
    print(f"{words}. {because}")
