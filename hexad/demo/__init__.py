"""A made-up brokerage as its source systems would deliver it: same arguments, same bytes."""
