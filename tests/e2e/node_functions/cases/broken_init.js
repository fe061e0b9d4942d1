throw new RangeError("at start");
