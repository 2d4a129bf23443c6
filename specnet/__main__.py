"""`python -m specnet` is the command `specnet`."""

from specnet.cli import main

main()
