//! Data files that items name (`data:`): lists, regular expressions and maps, loaded once per name and kind.
