namespace Hospes.Virtio;

/// <summary>
/// What a virtio function needs of the PCI bus that it sits on. The machine implements it. Threading: called on vCPU threads and on the
/// device's own threads, at once; it neither blocks nor calls back into the function.
/// </summary>
public interface IPciHost
{
    /// <summary>Whether the guest turned MSI-X on, so that the line is not to be used.</summary>
    bool MessagesEnabled { get; }

    /// <summary>Sends the message of an MSI-X vector, or remembers it while it is masked.</summary>
    /// <param name="vector">The vector; one that the table does not have is dropped.</param>
    void SendMessage(int vector);

    /// <summary>Asserts the function's INTx pin or lets it go.</summary>
    /// <param name="asserted">The level.</param>
    void SetInterruptLine(bool asserted);

    /// <summary>Passes a bell on whose page belongs to another function by now.</summary>
    /// <param name="address">The guest-physical address that was written.</param>
    void ForwardBell(ulong address);

    /// <summary>A device's own code failed: the guest is to be stopped.</summary>
    /// <param name="fault">What was thrown.</param>
    void DeviceFailed(Exception fault);
}
