"""What vtsfind does for its views, a room for each use-case. Every command and screen is a translation of calls to it.

Importing a room loads neither torch nor a decoder.
"""
