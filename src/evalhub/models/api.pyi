from evalhub.models import *  # noqa: F403 - the same names
