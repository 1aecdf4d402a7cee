"""The commands, one file each; `omnicore.cli.main` lists them."""
