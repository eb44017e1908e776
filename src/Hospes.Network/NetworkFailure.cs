namespace Hospes.Network;

/// <summary>Why a link can't be made.</summary>
/// <param name="Cause">What is wrong: a clause without a full stop.</param>
/// <param name="Remedy">What to do about it: a clause without a full stop.</param>
public sealed record NetworkFailure(string Cause, string Remedy);
