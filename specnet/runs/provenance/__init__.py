"""What a run was made with: code, components, kernels, threads, machine."""
