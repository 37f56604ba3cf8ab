-- Gives whose turn it is, and what it has to hand out, unless that can't be read.
local could, work = pcall(read_work, ARGV[1], '', ARGV[2], ARGV[3])
return { horizon, floor_now, account, version, could and work }
