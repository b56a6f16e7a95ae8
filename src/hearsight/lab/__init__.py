"""Everything that needs torch: the network, its data, training, averaging, export."""
