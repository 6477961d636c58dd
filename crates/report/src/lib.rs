//! One static HTML file about a lake.
