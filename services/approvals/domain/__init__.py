"""The pure part of approvals: policy, directory, steps, case."""
