"""Connections to the services that make images and stories: what they are asked, and what their answers mean.

Only modules of this package import a vendor's SDK. Its exceptions end here: whoever calls a provider sees the tree
of `sessions.errors` alone.
"""
