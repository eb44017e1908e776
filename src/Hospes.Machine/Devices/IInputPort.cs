using Hospes.Virtio;

namespace Hospes.Machine;

/// <summary>A port of the guest that people type into. Thread-safe.</summary>
public interface IInputPort
{
    /// <summary>Called when there is room again after <see cref="Offer"/> took less than it was given. Any thread; it must not be kept.</summary>
    Action? InputWanted { get; set; }

    /// <summary>Types bytes.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <returns>How many were taken.</returns>
    int Offer(ReadOnlySpan<byte> bytes);
}

/// <summary>A virtio console's port as one that people type into.</summary>
internal sealed class VirtioInput(ConsolePort port) : IInputPort
{
    /// <inheritdoc/>
    public Action? InputWanted
    {
        get => port.InputWanted;
        set => port.InputWanted = value;
    }

    /// <inheritdoc/>
    public int Offer(ReadOnlySpan<byte> bytes) => port.Offer(bytes);
}
