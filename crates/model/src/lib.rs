//! What each statement of a script does to a live database
