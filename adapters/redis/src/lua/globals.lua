-- Reads the horizon and the floor of revisions.
return { redis.call('GET', HORIZON), floor() }
