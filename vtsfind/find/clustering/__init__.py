"""Clustering: connected components, representatives of full-frame sets, star clusters around keepers."""
