"""What SIGHUP has a server read again: the sites file."""

import asyncio
import logging
from logging import ERROR, INFO

from ingest.beacon.sites import Sites
from ingest.config import Config
from ingest.logs import say
from ingest.sites_file import SitesError, read_sites

_LOGGER = logging.getLogger("ingest")


async def reload_sites(config: Config, sites: Sites) -> bool:
    """Read the file again, and say whether it was taken: with a mistake in it the sites stay."""
    file = config.sites.file
    if file is None:
        say(_LOGGER, INFO, "nothing to reload")
        return False
    try:
        listed = await asyncio.to_thread(read_sites, file, config.url.keep_params)
    except SitesError as error:
        reason = "; ".join(str(error).splitlines())
        say(_LOGGER, ERROR, "sites file not taken, the earlier one holds", reason=reason)
        return False
    sites.replace(listed)
    say(_LOGGER, INFO, "sites file read again", sites=len(listed))
    return True
