"""The report of ``ping --fit``: does this pair of systems suit us? Reads both sides and changes nothing.

``report`` puts it together and ``lines`` says it in words; every other file is one topic.
"""
