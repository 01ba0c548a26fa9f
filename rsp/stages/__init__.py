"""The proxy of each step of the course, complete, in the order in which they were built.

Each is `serve(listener, backend)`: it returns when the listener is shut down and its clients
have gone. A stage imports the core and earlier stages; the core never imports a stage.
"""
