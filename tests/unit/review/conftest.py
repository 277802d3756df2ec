"""A first example may load a year of holidays: what is tested here are properties, not times."""

from hypothesis import settings

settings.register_profile("review", deadline=None)
settings.load_profile("review")
