# ruff: noqa: F403 - a stub publishes what the modules publish
from evalhub.models.benchmark import *
from evalhub.models.card import *
from evalhub.models.collection import *
from evalhub.models.event import *
from evalhub.models.framework import *
from evalhub.models.job import *
from evalhub.models.oci import *
from evalhub.models.page import *
from evalhub.models.patch import *
from evalhub.models.provider import *
from evalhub.models.request import *
from evalhub.models.result import *
from evalhub.models.sample import *
from evalhub.models.score import *
from evalhub.models.spec import *
from evalhub.models.state import *
