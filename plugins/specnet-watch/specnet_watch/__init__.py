"""The command `specnet watch`: runs in the browser while they train. It only reads."""
