// One leg at rest in time, as `eutonia.simulation.steady_leg` computes it; every number in K comes from the records.
// A test holds this beside the original, to a millionth, over the whole range of every slider.
// What opposition heads for at an occupancy.
const opposing = m => {
  const r = K.receptor, odds = Math.pow(r.opposition_potency, r.hill);
  return odds * m / (1 - (1 - odds) * m);
};
const sensitivity = (m, slow) => {
  const r = K.receptor;
  return 1 / ((1 + r.acute_shift * m) * (1 + r.fast_shift * m) * (1 + r.slow_shift * slow * opposing(m)));
};
const occupancy = level => {
  const r = K.receptor;
  return level <= 0 ? 0 : 1 / (1 + Math.pow(r.ec50 / level, r.hill));
};
// The adaptation at which a receptor rests under one level.
const adapted = (level, slow) => {
  let low = 0, high = 1;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (occupancy(level * sensitivity(middle, slow)) > middle) low = middle; else high = middle;
  }
  return (low + high) / 2;
};
const reflexOf = (left, signal) => {
  const t = K.tone, share = Math.min(Math.max(signal / t.severe_bias, 0), 1);
  return {
    threshold: t.threshold_without_bias - t.threshold_per_bias * left,
    sensitivity: t.velocity_sensitivity_healthy
      + t.velocity_sensitivity_per_bias * Math.max(left - t.velocity_sensitivity_from, 0),
    depression: t.depression_healthy + (t.depression_severe - t.depression_healthy) * share,
    background: Math.max(t.background_tone + t.background_tone_per_bias * left, 0),
  };
};
const twoLags = (s, rate, decay, level, slope) => {
  const gap = rate - decay, fade = Math.exp(-decay * s), gone = Math.exp(-rate * s);
  return level * (fade - gone * (1 + gap * s)) * Math.pow(rate / gap, 2)
    + slope * (fade * (s * gap - 2) + gone * (s * gap + 2)) * rate * rate / Math.pow(gap, 3);
};
const reflexTorque = (time, speed, state) => {
  const r = K.ramp, ahead = state.sensitivity * speed - state.threshold;
  const s = Math.max(time - r.delay - Math.max(-ahead, 0) / speed, 0), start = Math.max(ahead, 0);
  const recovery = 1 / r.depression_recovery_time, rate = 1 / r.activation_time;
  const decay = recovery + state.depression * speed * r.range_rad, settled = recovery / decay;
  const activation = settled * twoLags(s, rate, 0, start, speed) + (1 - settled) * twoLags(s, rate, decay, start, speed);
  const velocity = speed * r.range_rad;
  const lengthening = Math.min(1 + velocity / r.force_velocity_reference, r.force_velocity_ceiling);
  return Math.tanh(r.gain * (1 + r.gain_per_velocity * velocity) * activation) * lengthening;
};
// Mean resistance of a stretch through the whole range, a share of the torque ceiling.
const stretch = (state, speed) => {
  const duration = 1 / speed, ahead = state.sensitivity * speed - state.threshold;
  const onset = Math.min(K.ramp.delay + Math.max(-ahead, 0) / speed, duration), half = (duration - onset) / 2;
  let sum = 0;
  K.nodes.forEach((node, i) => { sum += K.weights[i] * reflexTorque(onset + half * (1 + node), speed, state); });
  const reach = Math.max(1 - K.passive.rest_angle, 0);
  return sum * half / duration + state.background + K.passive.stiffness * reach * reach / 2;
};
const pull = (leg, angle, pace) => {
  const state = reflexOf(leg.left, leg.signal), speed = K.ramp.speed * pace;
  return reflexTorque(angle / speed, speed, state) + state.background
    + K.passive.stiffness * Math.max(angle - K.passive.rest_angle, 0);
};
// An examiner's grade, 1 to 5: where the resistance lies among those of untreated legs.
const gradeOf = excess => {
  const x = K.curve, last = x.length - 1;
  let i = 0;
  while (i < last - 1 && excess >= x[i + 1]) i++;
  const part = Math.min(Math.max((excess - x[i]) / (x[i + 1] - x[i]), 0), 1);
  const latent = K.bedside.grade_per_bias * (K.grid[0] + (K.grid[1] - K.grid[0]) * (i + part) / last);
  return 1 + Math.min(Math.max(latent, 0), 4);
};
const drowsyOf = (mouth, fluid) => {
  const a = K.drowsy, used = mouth * (-Math.expm1(-a.span_h / a.habituation_h));
  const early = Math.min(a.span_h, a.titration_h);
  return -Math.expm1(-(a.oral * (used + a.residual * mouth * a.span_h / a.habituation_h)
    + a.titration * fluid * early + a.maintenance * fluid * (a.span_h - early)));
};
// What tone lends one joint that yields under load, N m/kg.
const yielding = (joint, state) => {
  const p = K.ramp, velocity = joint.speed * joint.range_rad;
  const excitation = Math.max(joint.angle - state.threshold + state.sensitivity * joint.speed, 0);
  const lengthening = Math.min(1 + velocity / p.force_velocity_reference, p.force_velocity_ceiling);
  return (Math.tanh(p.gain * (1 + p.gain_per_velocity * velocity) * excitation) * lengthening + state.background)
    * joint.torque;
};
// Share of a normal distribution below z, by its series.
const below = z => {
  let term = z, sum = z;
  for (let i = 1; i < 120; i++) { term *= z * z / (2 * i + 1); sum += term; }
  return Math.min(Math.max(0.5 + sum * Math.exp(-z * z / 2) / Math.sqrt(2 * Math.PI), 0), 1);
};
// Strength that is left when the drug takes so many mV from the motoneurons.
const strengthUnder = (strength, taken) => {
  const st = K.stance, whole = below(st.full_effort);
  let low = -6, high = 6;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (below(middle) < strength * whole) low = middle; else high = middle;
  }
  return Math.min(below((low + high) / 2 - taken / st.pool_spread) / whole, 1);
};
const legOf = at => {
  const l = K.lesion, r = K.receptor, v = K.level, st = K.stance;
  const grown = -Math.expm1(-Math.max(at.weeks * K.time.week_h - l.flaccid_time, 0) / l.emergence_time);
  const plateau = (l.dorsal_weight + l.medial_weight) * Math.pow(at.lost, l.redundancy);
  const drive = Math.exp(l.bias_spread * at.answer) * grown * plateau;
  const signal = l.bias_ceiling * Math.tanh(drive / l.bias_ceiling) * (1 - at.lowered);
  const kept = l.strength_without_corticospinal;
  const strength = (1 - kept) * (1 - at.lost) + kept;
  const leg = v.mg_leg * at.tablets + v.ug_leg * at.pump, brain = v.mg_brain * at.tablets + v.ug_brain * at.pump;
  const held = at.months * K.time.month_h;
  const times = held / r.opposition_time;
  const met = adapted(r.tone_potency * leg, 1 - (1 + times) * Math.exp(-times));
  const opposed = opposing(met) * -Math.expm1(-times);
  const effect = (at.stopped ? 0 : met) - r.opposition * opposed;
  const left = signal - (r.hyperpolarisation + r.drive_share * Math.max(signal, 0)) * effect;
  const state = reflexOf(left, signal);
  const standing = reflexOf(left + st.bias * Math.min(signal / K.tone.severe_bias, 1), signal);
  const tone = st.joints.reduce((sum, joint) => sum + yielding(joint, standing), 0);
  const strong = strengthUnder(strength, signal - left);
  const thinned = sensitivity(adapted(brain, 0), 0);
  return {
    signal, left, effect, leg, brain, strength: strong,
    resistance: stretch(state, K.ramp.speed * at.pace),
    grade: gradeOf(stretch(state, K.ramp.speed) - K.healthy),
    support: (strong * st.voluntary + tone) / st.needed,
    drowsy: drowsyOf(v.mg_brain * at.tablets * thinned, v.ug_brain * at.pump * thinned),
  };
};
