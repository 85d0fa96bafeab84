/**
 * The value that exactly `nth` of the others come before when they are sorted, greatest first; puts the values in another order. In linear
 * time on average, where sorting ten thousand takes half a millisecond (C. A. R. Hoare, "Algorithm 65: Find", 1961). Should the values
 * be such that this takes long, they are sorted after all.
 *
 * @param nth From 0 to one less than there are values, none of which is NaN.
 */
export function nthGreatest(values: Float64Array, nth: number): number {
  let [low, high] = [0, values.length - 1];
  for (let patience = 4 * Math.ceil(Math.log2(values.length + 1)); low < high; patience -= 1) {
    if (patience === 0) {
      values
        .subarray(low, high + 1)
        .sort()
        .reverse();
      break;
    }
    const pivot = middleOfThree(values[low] ?? 0, values[(low + high) >> 1] ?? 0, values[high] ?? 0);
    let [left, right] = [low, high];
    while (left <= right) {
      while ((values[left] ?? 0) > pivot) left += 1;
      while ((values[right] ?? 0) < pivot) right -= 1;
      if (left > right) break;
      const other = values[left] ?? 0;
      values[left] = values[right] ?? 0;
      values[right] = other;
      left += 1;
      right -= 1;
    }
    // What lies between the two is as great as the pivot.
    if (nth <= right) high = right;
    else if (nth >= left) low = left;
    else break;
  }
  return values[nth] ?? Number.NaN;
}

function middleOfThree(a: number, b: number, c: number): number {
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
}
