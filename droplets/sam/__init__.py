"""All that knows MobileSAM: checkpoint, encoder, decoder, selection, generator."""
