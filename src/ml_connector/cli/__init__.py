"""The command line: parse words, call ``app``, print. Heavy imports happen inside commands, so that help is quick."""
