"""The twin of Entra ID: tokens for one application of one tenant, and the AADSTS errors operators meet."""

from ml_connector.twin.entra.behaviour import SWITCHES
from ml_connector.twin.entra.endpoints import ENDPOINTS
from ml_connector.twin.entra.errors import AadError
from ml_connector.twin.entra.keys import ClientCertificate
from ml_connector.twin.entra.machine import Credentials, Entra

__all__ = ["ENDPOINTS", "SWITCHES", "AadError", "ClientCertificate", "Credentials", "Entra"]
