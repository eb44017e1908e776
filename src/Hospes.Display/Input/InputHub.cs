namespace Hospes.Display;

/// <summary>What people do, with the numbers that Linux gives types of events (<c>input-event-codes.h</c>).</summary>
public enum InputKind : ushort
{
    /// <summary>A key or a button goes down (1) or up (0).</summary>
    Key = 1,

    /// <summary>A wheel turns.</summary>
    Relative = 2,

    /// <summary>A pointer is at a place, from 0 to <see cref="InputHub.AxisEnd"/>.</summary>
    Absolute = 3,
}

/// <summary>One thing that people do.</summary>
/// <param name="Kind">Its kind.</param>
/// <param name="Code">Which key, button, wheel or axis, with the numbers that Linux gives them.</param>
/// <param name="Value">1 for down, 0 for up; a distance; a place.</param>
public readonly record struct InputAction(InputKind Kind, ushort Code, int Value);

/// <summary>A device of the guest to which people do something. Thread-safe.</summary>
public interface IInputTarget
{
    /// <summary>What people are told it is.</summary>
    string Name { get; }

    /// <summary>Whether it has places rather than distances.</summary>
    bool IsAbsolute { get; }

    /// <summary>The lights that are on: bit 0 for Num Lock, 1 for Caps Lock, 2 for Scroll Lock.</summary>
    int Lights { get; }

    /// <summary>Whether it takes such a thing.</summary>
    /// <param name="action">What is done.</param>
    bool Takes(InputAction action);

    /// <summary>Does things that belong together. What the guest has no room for is lost.</summary>
    /// <param name="group">What is done, all of which it takes.</param>
    void Send(ReadOnlySpan<InputAction> group);
}

/// <summary>Hands what people do to the guest's devices: the one that came last and takes it. Thread-safe.</summary>
public sealed class InputHub
{
    /// <summary>The largest place on an axis.</summary>
    public const int AxisEnd = 0x7FFF;

    /// <summary>How many things belong together at most.</summary>
    public const int LargestGroup = 64;

    private readonly Lock _gate = new();
    private IInputTarget[] _targets = [];

    /// <summary>The devices; the one that is asked first comes first.</summary>
    public IReadOnlyList<IInputTarget> Targets => Volatile.Read(ref _targets);

    /// <summary>The lights of the keyboard that is asked first; 0 without one.</summary>
    public int Lights => Find(new InputAction(InputKind.Key, 1, 0))?.Lights ?? 0;

    /// <summary>Adds a device.</summary>
    /// <param name="target">The device.</param>
    public void Attach(IInputTarget target)
    {
        lock (_gate) _targets = [target, .. _targets];
    }

    /// <summary>Takes a device away.</summary>
    /// <param name="target">The device.</param>
    public void Detach(IInputTarget target)
    {
        lock (_gate) _targets = [.. _targets.Where(at => at != target)];
    }

    /// <summary>Whether there is a device for such a thing.</summary>
    /// <param name="action">What is to be done.</param>
    public bool Takes(InputAction action) => Find(action) is not null;

    /// <summary>Does things that belong together. What no device takes is lost.</summary>
    /// <param name="group">What is done, up to <see cref="LargestGroup"/> things.</param>
    public void Send(params ReadOnlySpan<InputAction> group)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(group.Length, LargestGroup);
        Span<InputAction> part = stackalloc InputAction[LargestGroup];
        foreach (IInputTarget target in Volatile.Read(ref _targets))
        {
            int count = 0;
            foreach (InputAction action in group)
            {
                if (Find(action) == target) part[count++] = action;
            }
            if (count > 0) target.Send(part[..count]);
        }
    }

    private IInputTarget? Find(InputAction action)
    {
        foreach (IInputTarget target in Volatile.Read(ref _targets))
        {
            if (target.Takes(action)) return target;
        }
        return null;
    }
}
