"""What makes and checks the notebooks; never installed."""
