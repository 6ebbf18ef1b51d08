"""The function of each consumer."""

from consumers.distribution import DISTRIBUTION
from consumers.formats import FORMATS
from consumers.keras_2 import KERAS_2
from consumers.keras_3 import KERAS_3
from consumers.loading import LOADING
from consumers.names import CONSUMER_NAMES
from consumers.serving import SERVING

CONSUMERS = {**LOADING, **KERAS_2, **KERAS_3, **DISTRIBUTION, **SERVING, **FORMATS}
assert tuple(CONSUMERS) == CONSUMER_NAMES
