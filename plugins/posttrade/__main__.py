"""`python -m posttrade` is the command line."""

from posttrade.cli import main

main()
