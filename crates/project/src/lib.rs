//! Files to ordered migrations, plans to files, configuration, git
