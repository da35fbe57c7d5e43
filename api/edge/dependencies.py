"""What a route asks for by type alone: its transaction, who asks, and the page."""

from litestar.di import NamedDependency
from litestar.params import SkipValidation

from api.edge import page
from kernel.security import scope
from kernel.store import database

Tx = NamedDependency[SkipValidation[database.Tx]]
Who = NamedDependency[SkipValidation[scope.Scope]]
PageQuery = NamedDependency[SkipValidation[page.PageQuery]]
