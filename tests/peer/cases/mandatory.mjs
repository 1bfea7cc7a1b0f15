// mandatory: the cases of OCPP 2.0.1 part 6 that a station with Core, Smart Charging, Advanced Device Management, Local
// Authorization List and Reservation has to pass (part 5), with the conditional ones of block C.
const LIST = {
  A: '09 10',
  B: '01-03 06 07 09-14 16-18 20-24 30 32-37 39 43 45 46 50-57',
  C: '02 04-18 21-34 36-58',
  D: '01-08 10',
  E: '01-17 19-22 24 26-35 37-45 50 51',
  F: '01-20 23 24 26 27',
  G: '01-19 21',
  H: '01-04 06 07 17-19 21 23',
  J: '01-03 07-10',
  K: '01-11 13 14 16 19 21-23 28-37 39-41 47 60',
  L: '01-03 05-08 18',
  N: '01-03 05 06 08-13 15-20 24-27 32 34-37 39-41 43 45 47 48 51-53 56',
  P: '01 03',
};

export const MANDATORY = Object.entries(LIST).flatMap(([block, list]) => list.split(' ').flatMap((range) => {
  const [from, to = from] = range.split('-').map(Number);
  return Array.from({ length: to - from + 1 }, (_, i) => `${block}_${String(from + i).padStart(2, '0')}`);
}));
