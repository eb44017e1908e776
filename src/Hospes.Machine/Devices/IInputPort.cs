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

/// <summary>The host's end of a guest's port: takes what the guest writes, and types into it what comes.</summary>
public interface IConsoleEnd : IConsoleSink
{
    /// <summary>Types into this port from now on. Called for each life of the domain anew.</summary>
    /// <param name="port">The port.</param>
    void Attach(IInputPort port);

    /// <summary>Lets what comes wait: the life of the port is over.</summary>
    void Detach();
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
