"""Public checks of components: gradients against central differences, and the rest of each contract.

    from specnet.testing import check_layer
    check_layer(Swish(beta=2.0), shapes=[(3,), (4, 5)])

There is a function for each group, `check` for any component, and `cases` for all components of a distribution.
Failures are reported in one `ConformanceError`; `examine` yields the outcome of each check instead.
"""

from __future__ import annotations

from specnet.testing.callbacks import check_callback as check_callback
from specnet.testing.cases import Case as Case
from specnet.testing.cases import check as check
from specnet.testing.cases import examine as examine
from specnet.testing.datasets import check_dataset as check_dataset
from specnet.testing.distributions import cases as cases
from specnet.testing.distributions import component_cases as component_cases
from specnet.testing.distributions import local_cases as local_cases
from specnet.testing.examples import examples as examples
from specnet.testing.examples import plainest as plainest
from specnet.testing.initializers import check_initializer as check_initializer
from specnet.testing.kernels import kernel_cases as kernel_cases
from specnet.testing.layers import check_layer as check_layer
from specnet.testing.losses import check_loss as check_loss
from specnet.testing.metrics import check_metric as check_metric
from specnet.testing.optimizers import check_optimizer as check_optimizer
from specnet.testing.optimizers import take_steps as take_steps
from specnet.testing.outcomes import ConformanceError as ConformanceError
from specnet.testing.outcomes import Outcome as Outcome
from specnet.testing.plots import check_plot as check_plot
from specnet.testing.schedules import check_schedule as check_schedule
from specnet.testing.specs import spec_cases as spec_cases
from specnet.testing.transforms import check_transform as check_transform
