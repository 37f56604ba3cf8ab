-- Reads what the decision on a claim needs.
-- ARGV: now, known horizon or '', limit of the lane or '', '1' to look for a task to take over
return read_work(ARGV[1], ARGV[2], ARGV[3], ARGV[4])
