"""A QGIS Server plugin that refuses requests for what is not published.

nginx reads paths and queries. It reads no form and no XML body, and QGIS Server takes parameters from both. This plugin
sees every parameter after QGIS has parsed it, and runs before QGIS opens a project. When a check fails, and also when
the check itself has an error, the answer is 403 and QGIS does nothing.

settings.py has its settings. rules.py lists what is refused and why.
"""

import os

from qgis.core import Qgis, QgsMessageLog
from qgis.server import QgsServerException, QgsServerFilter

from .rules import Refused, check_request, features_limit
from .layouts import check_project
from .settings import Settings
from .transactions import check_transaction

MARKER = '/dev/shm/osgs_guard'


class GuardFilter(QgsServerFilter):
    """Checks each request before the other plugins and before QGIS opens the project."""

    def __init__(self, iface, settings):
        super().__init__(iface)
        self.iface = iface
        self.settings = settings
        self.refusal = None

    def onRequestReady(self):
        """Runs when QGIS has parsed the request and has not opened a project yet."""
        self.refusal = self._refusal(self._check_request)
        if self.refusal:
            self.iface.requestHandler().setServiceException(self.refusal)
        # False stops the other plugins, and QGIS does nothing where there is an exception.
        return self.refusal is None

    def onProjectReady(self):
        """Runs when the project is open. QGIS goes on whatever a plugin says, so the request becomes an unknown one."""
        self.refusal = self._refusal(self._check_project)
        if self.refusal:
            self.iface.requestHandler().setParameter('REQUEST', 'refused')
        return self.refusal is None

    def onResponseComplete(self):
        """Replaces what QGIS said about the unknown request by the reason."""
        refusal, self.refusal = self.refusal, None
        handler = self.iface.requestHandler()
        if refusal and not handler.exceptionRaised():
            handler.clear()
            handler.setServiceException(refusal)
        return True

    def _check_request(self, handler):
        parameters = dict(handler.parameterMap())
        check_request(self.settings, parameters, bytes(handler.data()), handler.path(), self.iface.configFilePath())
        if parameters.get('SERVICE'):
            # QGIS reads some parameters from the query and some from its map. This makes the query a copy of the map.
            handler.setParameter('SERVICE', parameters['SERVICE'])
        limit = features_limit(self.settings, parameters)
        if limit is not None:
            handler.setParameter('MAXFEATURES', str(limit))

    def _check_project(self, handler):
        check_project(self.settings, dict(handler.parameterMap()))
        if self.settings.body == 'write':
            check_transaction(bytes(handler.data()))

    def _refusal(self, check):
        """Runs a check. An error in it refuses the request as well."""
        try:
            check(self.iface.requestHandler())
            return None
        except Refused as refused:
            return refusal_of(str(refused))
        except Exception as error:
            QgsMessageLog.logMessage(f'osgs_guard: {error!r}', 'Server', Qgis.MessageLevel.Critical)
            return refusal_of('the request could not be checked.')


def refusal_of(why):
    """The answer: status 403 and the reason."""
    return QgsServerException(f'Refused by osgs_guard: {why}', 403)


def serverClassFactory(iface):
    settings = Settings(os.environ)
    guard = GuardFilter(iface, settings)
    # Filters run in the order of their priorities.
    iface.registerFilter(guard, 0)
    try:
        # The health check compares it with the process that answers.
        with open(MARKER, 'w', encoding='ascii') as marker:
            marker.write(str(os.getpid()))
    except OSError:
        pass
    return guard
