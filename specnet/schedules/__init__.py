"""Components for hyper-parameters that vary with time."""
