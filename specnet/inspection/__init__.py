"""What a trained network looks at: permutation importance, partial dependence, input gradients and occlusion."""
