"""What holds for all tests."""

import os

# On small matrices a second BLAS thread costs more than it gains, the more so where tests run side by side.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
