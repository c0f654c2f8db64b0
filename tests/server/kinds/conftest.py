"""A service with a task of every kind."""

from collections.abc import AsyncGenerator

import pytest

from kind_service import KindService, kind_service
from multitap_adapters.backbone import Backbone


@pytest.fixture
async def service(tiny_backbone: Backbone) -> AsyncGenerator[KindService]:
    """Yield the service, running."""
    async with kind_service(tiny_backbone) as service:
        yield service
