-- ARGV: now, known horizon or '', width of the lane or '', '1' to look at those in progress
return read_work(ARGV[1], ARGV[2], ARGV[3], ARGV[4])
