"""On which terms: dates, delivery, who takes the order, and its financial dimensions."""
