"""What accounts may have and do: plans, rates, the meter, the forecast, billing.

Law: nothing here stands between a point and its answer but a look into memory; what was used is
read from what the checkpoints committed, seconds later.
"""
