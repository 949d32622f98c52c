"""Speech of one voice turned into another's, on the device: tensors alone. What opens the converters' files is `voices.clone`."""
