-- Reads what is known of the whole store.
return { redis.call('GET', HORIZON), floor() }
