namespace Hospes.Hypervisor;

/// <summary>
/// A message-signalled interrupt of a device: its message is set when the guest programs it and raised as often as the device likes, from any thread
/// (Intel SDM vol. 3, 12.11; an MSI-X table's entry has one). An engine may give the raising a way of its own that the message's setting prepares.
/// Made by <see cref="Guest.CreateMessageInterrupt"/>; it ends with its last handle, and raises nothing once its guest has ended. Thread-safe.
/// </summary>
public sealed class MessageInterrupt : Handle<MessageInterrupt>
{
    private readonly IMessageEngine _engine;

    internal MessageInterrupt(IMessageEngine engine)
        : this(engine, Rights.DefaultPort | Rights.Signal, new HandleCount())
    {
    }

    private MessageInterrupt(IMessageEngine engine, Rights rights, HandleCount count)
        : base(rights, count) => _engine = engine;

    /// <summary>Sets the message. Setting the one that is set costs next to nothing.</summary>
    /// <param name="address">The message address.</param>
    /// <param name="data">The message data.</param>
    /// <returns><see cref="Status.AccessDenied"/> without <see cref="Rights.Write"/>.</returns>
    public Status SetMessage(ulong address, uint data)
    {
        Status status = Check(Rights.Write);
        if (status == Status.Ok) _engine.Set(address, data);
        return status;
    }

    /// <summary>Sends the message that is set. Allocates nothing.</summary>
    /// <returns><see cref="Status.NotFound"/> when it surely reached no local APIC, or none was set; <see cref="Status.AccessDenied"/> without
    /// <see cref="Rights.Signal"/>.</returns>
    public Status Trigger()
    {
        Status status = Check(Rights.Signal);
        if (status != Status.Ok) return status;
        return _engine.Trigger() ? Status.Ok : Status.NotFound;
    }

    private protected override MessageInterrupt With(Rights rights, HandleCount count) => new(_engine, rights, count);

    private protected override void EndObject() => _engine.Dispose();
}

/// <summary>The engine's side of a message-signalled interrupt. Thread-safe; every call may come after the guest's end and does nothing then.</summary>
public interface IMessageEngine : IDisposable
{
    /// <summary>Sets the message that <see cref="Trigger"/> sends.</summary>
    /// <param name="address">The message address.</param>
    /// <param name="data">The message data.</param>
    void Set(ulong address, uint data);

    /// <summary>Sends it.</summary>
    /// <returns>Whether it may have reached a local APIC.</returns>
    bool Trigger();
}

/// <summary>Sends each message as one that the guest is given just once: for engines that have nothing better.</summary>
internal sealed class DeliveredMessage(IGuestEngine guest) : IMessageEngine
{
    private readonly Lock _gate = new();
    private ulong _address;
    private uint _data;
    private bool _isSet;

    public void Set(ulong address, uint data)
    {
        lock (_gate) (_address, _data, _isSet) = (address, data, true);
    }

    public bool Trigger()
    {
        ulong address;
        uint data;
        lock (_gate)
        {
            if (!_isSet) return false;
            (address, data) = (_address, _data);
        }
        return guest.DeliverMessage(address, data);
    }

    public void Dispose()
    {
        lock (_gate) _isSet = false;
    }
}
