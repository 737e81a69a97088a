"""All that knows MobileSAM: checkpoint, encoder, decoder, selection, generator."""

import warnings

with warnings.catch_warnings():
    # mobile_sam uses old names of timm modules and registers its own tiny_vit over timm's. It is imported
    # here, before all modules of this room, so that nobody hears of it.
    warnings.filterwarnings("ignore", "Importing from timm.models", FutureWarning)
    warnings.filterwarnings("ignore", "Overwriting tiny_vit", UserWarning)
    import mobile_sam  # noqa: F401
